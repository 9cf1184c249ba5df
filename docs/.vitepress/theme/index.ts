// The theme that fetches no fonts: those of the reader's system are as good.
import theme from "vitepress/theme-without-fonts";
import "./style.css";

export default theme;
