"""Speed without a screen: what the panels show of a request, of drafts, of the whole engine over time."""
