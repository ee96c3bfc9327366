export default {
  "title": "Anmelden",
  "name": "Name",
  "password": "Passwort",
  "code": "Code des Authenticators, oder ein Wiederherstellungscode",
  "code-hint": "Sechs Ziffern, oder einer der Wiederherstellungscodes.",
  "again": "Ihre Sitzung ist zu Ende. Melden Sie sich wieder an, und es geht weiter, wo Sie waren.",
  "forgotten": "Passwort vergessen?",
  "forgotten-hint": "Wo E-Mail eingerichtet ist, bekommen Sie einen Link. Sonst gibt Ihnen ein Admin einen.",
  "send-link": "Link schicken",
  "link-sent": "Wenn es diesen Operator gibt und er eine Adresse hat, ist ein Link unterwegs.",
  "other": "Abmelden, jemand anders meldet sich an",
};
