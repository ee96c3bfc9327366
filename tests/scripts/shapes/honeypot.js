// -> 603 Destination Blocked
const { kv, incr } = require('cxKV');
const MOST = 3;
async function main(data) {
  const key = `${data.routing.account_id}:${data.routing.dest_number}`;
  for (let tries = 0; tries < 5; tries++) {
    const counted = await kv.get(key);
    if (counted >= MOST) throw new Error('603 Destination Blocked');
    if (await incr(key, 1, 2 * 60) >= MOST) await incr(key, 100, 30 * 60);
  }
  return data;
}
