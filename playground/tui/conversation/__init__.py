"""The conversation without Textual: its text in lines, and prompts typed before."""
