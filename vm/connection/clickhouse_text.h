/* clickhouse_text.h - the SQL text that goes to ClickHouse: literals, and how a long one is cut */
#ifndef VM_CONNECTION_CLICKHOUSE_TEXT_H
#define VM_CONNECTION_CLICKHOUSE_TEXT_H

#include "vm/connection/connection.h"

#define CLICKHOUSE_URL_BYTES 15000	/* 18.16 takes 16384, and the server's own share */

void clickhouse_text_ident(struct buf *out, struct str part);
void clickhouse_text_literal(struct buf *out, enum cell_type type, struct str text);
/* query_id = 'x', or begins with it. */
void clickhouse_text_id_condition(struct buf *out, const char *query_id, bool prefix);
/*
 * Old servers run what has arrived of a body that was cut off. So the first *head bytes, all of
 * them if they fit escaped into `room`, go into the URL, which is never cut unnoticed; what is left
 * is inside a parenthesis that its last byte closes, so that no shorter text is a statement. false:
 * this one has no such form.
 */
bool clickhouse_text_split(struct str sql, size_t room, size_t *head);

#endif
