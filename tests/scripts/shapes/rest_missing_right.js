// -> failed: rest_missing_right.js:3:55: scripts@example.com does not
async function main(data) {
  await require('cxRest').auth('scripts@example.com').post('cli', { cli: '442079460001', company_id: 42 });
  return data;
}
