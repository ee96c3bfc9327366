// -> 486 Busy Here
import { incr } from 'cxKV';
export async function main(data) {
  let calls = 0;
  for (let i = 0; i < 4; i++) calls = await incr(`cps:${data.routing.cli}`, 1, 60);
  if (calls > 3) throw new Error('486 Busy Here');
  return data;
}
