export default {
  "title": "Sign in",
  "name": "Name",
  "password": "Password",
  "code": "Code of the authenticator, or a recovery code",
  "code-hint": "Six digits, or one of the recovery codes.",
  "again": "Your session has ended. Sign in again, and go on where you were.",
  "forgotten": "Password forgotten?",
  "forgotten-hint": "Where mail is configured, you get a link by e-mail. Otherwise an admin gives you one.",
  "send-link": "Send me a link",
  "link-sent": "If there is such an operator with an address of e-mail, a link is on its way.",
  "other": "Sign out, and let somebody else sign in",
} as const;
