import cards from "./cards.ts";

export default {
  ...cards,
  "customer.hint": "Die Vorlage: wer eine Karte einlöst, bekommt ein Konto wie das dieses Kunden.",
  "credit.hint": "Was jede Karte wert ist, in der Währung des Kunden.",
  "count": "Anzahl",
  "pin": "PIN",
  "one": "Karte {id}",
  "history": "Verlauf",
};
