"""The report as one HTML file that needs nothing else: no network, no server.

figures    what the page shows, gathered from the journal
charts     inline SVG
markup     elements, in which every text is escaped
page       the whole
report.css, report.js    in the page, and named by their digests in its Content-Security-Policy
"""

from reinstate_service.operations.page.figures import gather
from reinstate_service.operations.page.page import render

__all__ = ["gather", "render"]
