/* floor_clickhouse.c - the least that a durable operation on ClickHouse costs with its state in
 * PostgreSQL: COUNT times one commit there and one request here, on connections that stay open
 *
 * Usage: floor_clickhouse POSTGRES_URL CLICKHOUSE_URL COUNT. PostgreSQL has a table `state` (id,
 * at), ClickHouse a table `done` (number).
 */
#include "vm/base/attr.h"

#include <curl/curl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static PGconn *pg;

NO_RETURN static void stop(const char *why)
{
	fprintf(stderr, "floor_clickhouse: %s\n", why);
	exit(1);
}

static void expect(PGresult *result)
{
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		stop(PQerrorMessage(pg));
	PQclear(result);
}

static size_t drop(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	(void)context;
	return size * count;
}

static void insert(CURL *easy, int number)
{
	char sql[80];
	long status = 0;
	CURLcode code;

	snprintf(sql, sizeof(sql), "INSERT INTO done SELECT %d", number);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, sql);
	code = curl_easy_perform(easy);
	if (code != CURLE_OK)
		stop(curl_easy_strerror(code));
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		stop("ClickHouse refuses");
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[3]) : 0;
	CURL *easy = curl_easy_init();

	if (count <= 0 || !easy) {
		fputs("usage: floor_clickhouse POSTGRES_URL CLICKHOUSE_URL COUNT\n", stderr);
		return 2;
	}
	pg = PQconnectdb(argv[1]);
	if (PQstatus(pg) != CONNECTION_OK)
		stop(PQerrorMessage(pg));
	expect(PQexec(pg, "INSERT INTO state VALUES (1, 0) ON CONFLICT DO NOTHING"));
	expect(PQprepare(pg, "state", "UPDATE state SET at = $1 WHERE id = 1", 0, NULL));
	curl_easy_setopt(easy, CURLOPT_URL, argv[2]);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	for (int i = 0; i < count; i++) {
		char text[16];
		const char *values[] = { text };

		snprintf(text, sizeof(text), "%d", i);
		expect(PQexecPrepared(pg, "state", 1, values, NULL, NULL, 0));
		insert(easy, i);
	}
	curl_easy_cleanup(easy);
	PQfinish(pg);
	return 0;
}
