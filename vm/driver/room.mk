ROOMS += driver
driver.sources := $(wildcard vm/driver/*.c)
driver.rooms := base
driver.libraries := -lpq -lsqlite3
OUR_CPPFLAGS += -I/usr/include/postgresql
