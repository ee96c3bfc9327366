// -> 401 CLI Not Authorized
const api = require('cxRest').auth('scripts@example.com');
async function main(data) {
  const rows = await api.get('cli', { cli: '442079460000' });
  if (!rows.length) throw new Error('401 CLI Not Authorized');
  return data;
}
