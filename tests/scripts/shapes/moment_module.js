// -> failed: moment_module.js:2:20: there is no module `moment` (use Date)
import moment from 'moment';
export const main = (data) => (moment().hour() < 9 ? Promise.reject(new Error('480 Closed')) : data);
