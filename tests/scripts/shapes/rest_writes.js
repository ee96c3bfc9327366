// -> variables {"wrote":["442079460002","from a script","OK",0]}
const api = require('cxRest').auth(process.env.WRITER);
async function main(data) {
  const made = await api.create('cli', { cli: '+44 20 7946 0002', company_id: 42 });
  const changed = await api.put(`cli/${made.cli}`, { notes: 'from a script' });
  const gone = await api.delete('cli', { cli: made.cli });
  const left = await api.get('cli', { cli: made.cli });
  data.variables.wrote = [made.cli, changed.notes, gone.status, left.length];
  return data;
}
