// reference.mjs PG CH ROWS - rows from PostgreSQL into ClickHouse as applications do it by hand: a thousand at a time by key,
// read into objects and inserted as literals, with a mark in a store behind each. For comparison with `copy` in `batches`.
import pg from "pg";

const [postgres, clickhouse, rows] = process.argv.slice(2);
const source = new pg.Client({ connectionString: postgres });
const store = new pg.Client({ connectionString: postgres });
const { username, password, origin, pathname } = new URL(clickhouse);
const authorization = "Basic " + Buffer.from(`${username}:${password}`).toString("base64");
const quoted = (text) => "'" + text.replace(/[\\']/g, "\\$&") + "'";

await source.connect();
await store.connect();
await store.query("CREATE TABLE IF NOT EXISTS mark (name text PRIMARY KEY, at bigint)");
await store.query("DELETE FROM mark");
let after = 0, count = 0;
for (;;) {
	const read = await source.query(
		"SELECT id, team, name, total, at, note FROM source WHERE id > $1 ORDER BY id LIMIT 1000", [after]);
	if (read.rows.length === 0) break;
	const values = read.rows.map((r) =>
		`(${r.id}, ${r.team}, ${quoted(r.name)}, ${r.total}, ${Math.floor(r.at / 1000)}, ${quoted(r.note)})`);
	const answer = await fetch(`${origin}/?database=${pathname.slice(1)}`, { method: "POST", headers: { authorization },
		body: "INSERT INTO target (id, team, name, total, at, note) VALUES " + values.join(", ") });
	if (!answer.ok) throw new Error(await answer.text());
	await answer.text();
	after = read.rows[read.rows.length - 1].id;
	count += read.rows.length;
	await store.query("INSERT INTO mark VALUES ('copy', $1) ON CONFLICT (name) DO UPDATE SET at = excluded.at", [after]);
}
if (count !== Number(rows)) throw new Error(`${count} rows and not ${rows}`);
await source.end();
await store.end();
