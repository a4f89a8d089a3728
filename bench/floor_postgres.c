/* floor_postgres.c - the least that a durable operation costs on PostgreSQL: COUNT times BEGIN,
 * effect, state, COMMIT, prepared, in one pipeline with one sync
 *
 * Usage: floor_postgres URL COUNT. The database has a table `done` (number).
 */
#include "vm/base/attr.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static PGconn *pg;

NO_RETURN static void stop(void)
{
	fprintf(stderr, "floor_postgres: %s", PQerrorMessage(pg));
	exit(1);
}

static void run(const char *sql)
{
	PGresult *result = PQexec(pg, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		stop();
	PQclear(result);
}

static void prepare(const char *name, const char *sql)
{
	PGresult *result = PQprepare(pg, name, sql, 0, NULL);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		stop();
	PQclear(result);
}

static void send(const char *name, const char *value)
{
	const char *values[] = { value };

	if (!PQsendQueryPrepared(pg, name, value ? 1 : 0, values, NULL, NULL, 0))
		stop();
}

static void expect(ExecStatusType wanted)
{
	PGresult *result = PQgetResult(pg);

	if (PQresultStatus(result) != wanted)
		stop();
	PQclear(result);
	if (wanted != PGRES_PIPELINE_SYNC)
		PQclear(PQgetResult(pg));
}

static void operation(int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	send("begin", NULL);
	send("effect", text);
	send("state", text);
	send("commit", NULL);
	if (!PQpipelineSync(pg))
		stop();
	for (int i = 0; i < 4; i++)
		expect(PGRES_COMMAND_OK);
	expect(PGRES_PIPELINE_SYNC);
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;

	if (count <= 0) {
		fputs("usage: floor_postgres URL COUNT\n", stderr);
		return 2;
	}
	pg = PQconnectdb(argv[1]);
	if (PQstatus(pg) != CONNECTION_OK)
		stop();
	run("CREATE TABLE IF NOT EXISTS state (id int PRIMARY KEY, at int)");
	run("INSERT INTO state VALUES (1, 0) ON CONFLICT DO NOTHING");
	prepare("begin", "BEGIN");
	prepare("effect", "INSERT INTO done (number) VALUES ($1)");
	prepare("state", "UPDATE state SET at = $1 WHERE id = 1");
	prepare("commit", "COMMIT");
	if (!PQenterPipelineMode(pg))
		stop();
	for (int i = 0; i < count; i++)
		operation(i);
	PQfinish(pg);
	return 0;
}
