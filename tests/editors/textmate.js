// textmate.js - prints a source with the scopes that a TextMate grammar gives its characters
//
//   node textmate.js MODULES GRAMMAR SOURCE
//
// MODULES is the node_modules that holds vscode-textmate and vscode-oniguruma, the engine of the editors. Each line of
// the source stands behind `>`; below it, each run of scopes is underlined, the grammar's own scope left out.
'use strict';
const fs = require('fs');
const path = require('path');

const [modules, grammarPath, sourcePath] = process.argv.slice(2);
const oniguruma = require(path.resolve(modules, 'vscode-oniguruma'));
const textmate = require(path.resolve(modules, 'vscode-textmate'));

async function main() {
	await oniguruma.loadWASM(fs.readFileSync(path.join(modules, 'vscode-oniguruma/release/onig.wasm')).buffer);
	const grammarText = fs.readFileSync(grammarPath, 'utf8');
	const registry = new textmate.Registry({
		onigLib: Promise.resolve({
			createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
			createOnigString: (text) => new oniguruma.OnigString(text),
		}),
		loadGrammar: async (scope) =>
			scope === 'source.amig' ? textmate.parseRawGrammar(grammarText, grammarPath) : null,
	});
	const grammar = await registry.loadGrammar('source.amig');
	let state = textmate.INITIAL;
	for (const line of fs.readFileSync(sourcePath, 'utf8').replace(/\n$/, '').split('\n')) {
		const result = grammar.tokenizeLine(line, state);
		console.log('>' + line);
		let from = 0;
		result.tokens.forEach((token, i) => {
			const scopes = token.scopes.slice(1).join(' ');
			const next = result.tokens[i + 1];
			if (next && next.scopes.slice(1).join(' ') === scopes)
				return;
			const end = Math.min(token.endIndex, line.length);
			if (scopes && line.slice(from, end).trim())
				console.log('#' + ' '.repeat(from) + '^'.repeat(end - from) + ' ' + scopes);
			from = end;
		});
		state = result.ruleStack;
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
