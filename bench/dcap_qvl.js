// What the same quote costs with npm's @phala/dcap-qvl, every time anew, as it keeps nothing.
// Usage: NODE_PATH=FOLDER/node_modules node dcap_qvl.js FOLDER TIME ROUNDS COUNT
// FOLDER holds quote.dat and collateral.orig.json. Prints the microseconds on cores that it used,
// a line for each round.
const fs = require('fs');
const qvl = require('@phala/dcap-qvl');

const [folder, time, rounds, count] = process.argv.slice(2);
const quote = fs.readFileSync(`${folder}/quote.dat`);
const collateral = JSON.parse(fs.readFileSync(`${folder}/collateral.orig.json`));
const now = Date.parse(time) / 1000;

async function main() {
	// Its compiler warms up in these.
	for (let i = 0; i < 20; i++)
		await qvl.verify(quote, collateral, now);
	for (let round = 0; round < rounds; round++) {
		const start = process.cpuUsage();
		for (let i = 0; i < count; i++)
			await qvl.verify(quote, collateral, now);
		const used = process.cpuUsage(start);
		console.log(((used.user + used.system) / count).toFixed(1));
	}
}
main();
