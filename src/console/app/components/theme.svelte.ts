/** Light, dark, or as the system is. */
export type Theme = "system" | "light" | "dark";
const KEPT = "ringflow-theme";

class Chosen {
  value = $state<Theme>((localStorage.getItem(KEPT) as Theme | null) ?? "system");

  choose(theme: Theme) {
    this.value = theme;
    localStorage.setItem(KEPT, theme);
    this.show();
  }

  show() {
    if (this.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.value;
  }
}
export const theme = new Chosen();
