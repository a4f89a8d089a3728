ROOMS += connection
connection.sources := $(wildcard vm/connection/*.c)
connection.rooms := driver base
connection.libraries := -lcurl -lz
