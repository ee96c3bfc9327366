// -> variables {"found":["18005550142"]}
const api = require('cxRest').auth('scripts@example.com');
async function main(data) {
  data.variables.found = (await api.get('/did?customer_id=42&_limit=5')).map(({ did }) => did);
  return data;
}
