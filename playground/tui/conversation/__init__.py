"""The conversation without a screen: requests, their text in lines, what was typed before."""
