// -> failed: rest_unknown_resource.js:3:56: cxRest: cannot read setup;
async function main(data) {
  return require('cxRest').auth('scripts@example.com').get('setup/query');
}
