// -> variables {"all":["1","true",{"hello":["world"]},null]}
const { ko, kv, keys, usage } = require('cxKV');
async function main(data) {
  await kv.set('one', 1, 3600);
  await kv.set('yes', true);
  await ko.set('record', { hello: ['world'] });
  data.variables.all = [await kv.get('one'), await kv.get('yes'), await ko.get('record'), await kv.get('none')];
  if (!(await keys()).includes('record') || !((await usage()).keys >= 3)) throw new Error('500 Lost');
  await kv.delete('one');
  return data;
}
