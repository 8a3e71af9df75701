import "./trustedTypes";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./page.css";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { ask } from "./ask";

const FIRST_QUERY = `# The last changed deals.
# Ctrl-Enter runs this.
{
  dealQueue(limit: 3) {
    items {
      name
      status
      steps {
        stage
        status
      }
    }
    nextBefore
  }
}
`;

const container = document.querySelector("#root");
if (container) {
  createRoot(container).render(
    <GraphiQL
      fetcher={ask}
      defaultQuery={FIRST_QUERY}
      isHeadersEditorEnabled
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>
        <a className="back" href="/">
          Deal Queue
        </a>
      </GraphiQL.Logo>
    </GraphiQL>,
  );
}
