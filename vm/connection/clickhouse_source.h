/* clickhouse_source.h - the source of clickhouse_stream: the functions of struct stream_kind */
#ifndef VM_CONNECTION_CLICKHOUSE_SOURCE_H
#define VM_CONNECTION_CLICKHOUSE_SOURCE_H

#include "vm/connection/clickhouse_pipe.h"
#include "vm/connection/stream.h"

enum outcome clickhouse_source_open(struct connection *c, const struct statement *s,
				    const struct watch *watch, struct stream *out,
				    struct error *err);
enum outcome clickhouse_source_start(struct stream *s, const struct watch *watch,
				     struct error *err);
enum outcome clickhouse_source_read(struct stream *s, struct buf *out, bool *end,
				    const struct watch *watch, struct error *err);
void clickhouse_source_close(struct stream *s);

#endif
