import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { pod } from "./lib/live.svelte";
import { prefs } from "./lib/prefs.svelte";

prefs.apply();
pod.start();
const target = document.getElementById("app");
if (target) mount(App, { target });
