/** What this browser remembers: the colours and whether single keys are shortcuts. Nothing else, nothing elsewhere. */
export type Theme = "auto" | "light" | "dark";

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}

class Prefs {
  theme = $state<Theme>((stored("theme") as Theme | null) ?? "auto");
  keys = $state(stored("keys") !== "off");

  set_theme(theme: Theme): void {
    this.theme = theme;
    store("theme", theme);
    this.apply();
  }
  set_keys(on: boolean): void {
    this.keys = on;
    store("keys", on ? "on" : "off");
  }
  apply(): void {
    if (this.theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.theme;
  }
}

export const prefs = new Prefs();
