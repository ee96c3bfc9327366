// -> variables {"greeted":1,"seen":{"n":5}}
const cxKV = require('cxKV');
async function main(data) {
  await cxKV.set('seen', { n: 5 }, { ttl: 60 });
  data.variables.greeted = await cxKV.incr('greeted');
  data.variables.seen = await cxKV.get('seen');
  return data;
}
