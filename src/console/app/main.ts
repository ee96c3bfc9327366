import "./theme.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { theme } from "./components/theme.svelte.ts";
import { preferred, speak } from "./phrases/phrases.svelte.ts";

const place = document.getElementById("app");
theme.show();
void speak(preferred()).then(() => place && mount(App, { target: place }));
