import "./styles/index.css";
import { createRoot } from "react-dom/client";
import { createPage } from "./page";

const container = document.querySelector("#root");
if (container) createRoot(container).render(createPage());
