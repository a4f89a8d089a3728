# make check and its parts
