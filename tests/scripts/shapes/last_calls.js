// -> variables {"calls":0}
const api = require('cxRest').auth('scripts@example.com');
async function main(data) {
  const calls = await api.get('cdr', { cli: data.routing.cli, _limit: 10 });
  data.variables.calls = calls.filter(({ duration }) => duration > 0).length;
  return data;
}
