// -> 604 Number on Do Not Call List
import axios from 'axios';
export async function main(data) {
  const { data: answer } = await axios.post(`${process.env.service}/dnc`, { number: data.routing.dest_number }, { timeout: 5000 });
  if (answer.listed) throw new Error('604 Number on Do Not Call List');
  return data;
}
