// Each object of the files named, checked by the schema of its kind.
const fs = require('fs');
const yaml = require('js-yaml');
const all = process.argv.slice(2).flatMap((path) => yaml.loadAll(fs.readFileSync(path, 'utf8')));

for (const object of all) {
	const kind = require('kubernetes-models/' + object.apiVersion)[object.kind];

	new kind(object).validate();
	console.log(`ok: schema of ${object.kind} ${object.metadata.name}`);
}
