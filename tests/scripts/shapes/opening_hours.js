// -> 480 Closed
// [schedule] week = "9-12"
function main(data) {
  if (!data.schedule) return data;
  var offset = data.schedule.offset || 0;
  var date = new Date(new Date().getTime() + offset * 3600 * 1000);
  var isWeekend = date.getDay() === 6 || date.getDay() === 0;
  var text = isWeekend ? data.schedule.weekend : data.schedule.week;
  if (!text) throw new Error('480 Closed');
  var [from, until] = text.split('-');
  if (date.getHours() < from || date.getHours() > until) throw new Error('480 Closed');
  return data;
}
