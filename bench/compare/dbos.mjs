// dbos.mjs - the five operations as a durable workflow of DBOS: transactions of its data source, or plain steps
import { DBOS } from '@dbos-inc/dbos-sdk';
import { PostgresDataSource } from '@dbos-inc/postgres-datasource';
import { readFileSync } from 'node:fs';
import pg from 'pg';

const url = process.argv[2];
const operations = readFileSync('operations.sql', 'utf8').trim().split('\n');
const transactional = readFileSync('mode', 'utf8').trim() === 'tx';
const parts = new URL(url);
const config = {
	host: parts.hostname, port: Number(parts.port), user: decodeURIComponent(parts.username),
	password: decodeURIComponent(parts.password), database: parts.pathname.slice(1),
};
const source = new PostgresDataSource('app', config);

async function plain(sql) {
	const client = new pg.Client(config);
	await client.connect();
	try { await client.query(sql); } finally { await client.end(); }
}
const five = DBOS.registerWorkflow(async () => {
	for (const [i, sql] of operations.entries()) {
		const name = `operation ${i + 1}`;
		if (transactional)
			await source.runTransaction(() => PostgresDataSource.client.unsafe(sql), { name });
		else
			await DBOS.runStep(() => plain(sql), { name });
	}
}, { name: 'five' });

DBOS.setConfig({ name: 'five', systemDatabaseUrl: `${url}_dbos_sys`, runAdminServer: false, logLevel: 'error' });
await PostgresDataSource.initializeDBOSSchema(config);
await DBOS.launch();
let status = 1;
try {
	const before = await DBOS.getWorkflowStatus('the one');
	const handle = before?.status === 'ERROR' ? await DBOS.resumeWorkflow('the one')
		: before ? DBOS.retrieveWorkflow('the one')
		: await DBOS.startWorkflow(five, { workflowID: 'the one' })();
	await handle.getResult();
	status = 0;
} catch (e) {
	console.error(String(e.message ?? e));
}
await DBOS.shutdown();
process.exit(status);
