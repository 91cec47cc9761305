"""Requests as one would say them: the wordings that tiny-coder is trained to understand."""

from __future__ import annotations

import random
from dataclasses import dataclass

LEADS = (
    "write a function that",
    "write a python function that",
    "write me a function that",
    "write a function which",
    "please write a function that",
    "can you write a function that",
    "make a function that",
    "create a function that",
    "define a function that",
    "give me a function that",
    "i need a function that",
    "i want a function that",
    "show me a function that",
)

# Number words, so that speech and typing spell a constant alike.
NUMBER_WORDS = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine",
    10: "ten", 11: "eleven", 12: "twelve", 15: "fifteen", 20: "twenty", 50: "fifty", 100: "one hundred",
}  # fmt: skip

# Intent -> ways to say it; {n} is a number word.
PHRASES: dict[str, tuple[str, ...]] = {
    "add": ("adds two numbers", "returns the sum of two numbers", "adds a and b", "sums two numbers"),
    "add_three": ("adds three numbers", "returns the sum of three numbers", "sums three numbers"),
    "subtract": ("subtracts two numbers", "returns the difference of two numbers", "subtracts b from a"),
    "multiply": ("multiplies two numbers", "returns the product of two numbers", "multiplies a and b"),
    "divide": ("divides two numbers", "divides a by b", "returns the quotient of two numbers"),
    "average_two": ("returns the average of two numbers", "computes the mean of two numbers"),
    "remainder": ("returns the remainder of two numbers", "returns the remainder of a divided by b"),
    "power": ("raises a to the power of b", "returns a to the power of b", "computes a power"),
    "add_n": ("adds {n} to a number", "returns a number plus {n}", "increases a number by {n}"),
    "subtract_n": ("subtracts {n} from a number", "returns a number minus {n}", "decreases a number by {n}"),
    "multiply_n": ("multiplies a number by {n}", "returns a number times {n}"),
    "divisible_n": ("checks if a number is divisible by {n}", "tells whether a number is a multiple of {n}"),
    "greater_n": ("checks if a number is greater than {n}", "tells whether a number is above {n}"),
    "square": ("squares a number", "returns the square of a number", "computes the square of a number"),
    "cube": ("cubes a number", "returns the cube of a number"),
    "double": ("doubles a number", "returns twice a number"),
    "half": ("halves a number", "returns half of a number"),
    "negate": ("negates a number", "returns the negative of a number", "changes the sign of a number"),
    "absolute": ("returns the absolute value of a number", "computes the absolute value"),
    "is_even": ("checks if a number is even", "tells whether a number is even", "returns true for even numbers"),
    "is_odd": ("checks if a number is odd", "tells whether a number is odd", "returns true for odd numbers"),
    "is_positive": ("checks if a number is positive", "tells whether a number is positive"),
    "is_negative": ("checks if a number is negative", "tells whether a number is negative"),
    "is_prime": ("checks if a number is prime", "tells whether a number is prime", "tests for prime numbers"),
    "larger": ("returns the larger of two numbers", "finds the maximum of two numbers", "returns the bigger number"),
    "smaller": ("returns the smaller of two numbers", "finds the minimum of two numbers"),
    "larger_three": ("returns the largest of three numbers", "finds the maximum of three numbers"),
    "factorial": ("computes the factorial of a number", "returns the factorial of a number", "computes a factorial"),
    "fibonacci": ("returns the nth fibonacci number", "computes fibonacci numbers", "computes the fibonacci sequence"),
    "sum_to": ("sums the numbers from one to n", "adds all numbers up to n"),
    "digit_sum": ("sums the digits of a number", "returns the digit sum of a number"),
    "gcd": ("computes the greatest common divisor", "returns the greatest common divisor of two numbers"),
    "celsius": ("converts celsius to fahrenheit", "turns celsius into fahrenheit"),
    "rectangle": ("returns the area of a rectangle", "computes the area of a rectangle"),
    "reverse_text": ("reverses a string", "returns a string backwards", "reverses the text"),
    "upper": ("converts a string to upper case", "makes a string upper case", "returns the text in upper case"),
    "lower": ("converts a string to lower case", "makes a string lower case", "returns the text in lower case"),
    "length": ("returns the length of a string", "counts the characters in a string"),
    "count_vowels": ("counts the vowels in a string", "returns the number of vowels in a text"),
    "count_words": ("counts the words in a sentence", "returns the number of words in a text"),
    "first_letter": ("returns the first letter of a string", "gets the first character of a string"),
    "last_letter": ("returns the last letter of a string", "gets the last character of a string"),
    "palindrome": ("checks if a string is a palindrome", "tells whether a word is a palindrome"),
    "join_words": ("joins words with spaces", "joins a list of words"),
    "split_words": ("splits a sentence into words", "splits a string into words"),
    "repeat_text": ("repeats a string {n} times", "returns a text {n} times"),
    "greet": ("greets a person", "says hello to a person", "greets someone by name"),
    "remove_spaces": ("removes spaces from a string", "deletes all spaces in a text"),
    "longest_word": ("returns the longest word", "finds the longest word in a list"),
    "sum_list": ("sums a list", "returns the sum of a list", "adds all numbers in a list"),
    "product_list": ("multiplies all numbers in a list", "returns the product of a list"),
    "average_list": ("returns the average of a list", "computes the mean of a list"),
    "max_list": ("finds the largest number in a list", "returns the maximum of a list", "finds the maximum of a list"),
    "min_list": ("finds the smallest number in a list", "returns the minimum of a list"),
    "length_list": ("counts the items in a list", "returns the length of a list"),
    "reverse_list": ("reverses a list", "returns a list in reverse order"),
    "sort_list": ("sorts a list", "sorts a list of numbers", "returns a sorted list"),
    "sort_down": ("sorts a list in descending order", "sorts numbers from largest to smallest"),
    "first_item": ("returns the first item of a list", "gets the first element of a list"),
    "last_item": ("returns the last item of a list", "gets the last element of a list"),
    "take_n": ("returns the first {n} items of a list", "takes the first {n} elements of a list"),
    "even_list": ("filters even numbers", "returns the even numbers in a list", "keeps only even numbers"),
    "odd_list": ("filters odd numbers", "returns the odd numbers in a list", "keeps only odd numbers"),
    "positive_list": ("keeps only positive numbers", "returns the positive numbers in a list"),
    "above_n": ("keeps numbers greater than {n}", "returns the numbers above {n} in a list"),
    "square_list": ("squares every number in a list", "returns the squares of a list"),
    "double_list": ("doubles every number in a list", "doubles each item of a list"),
    "unique_list": ("removes duplicates from a list", "returns the unique items of a list"),
    "count_item": ("counts how often an item appears in a list", "counts an item in a list"),
    "contains": ("checks if an item is in a list", "tells whether a list contains an item"),
    "merge_lists": ("joins two lists", "concatenates two lists", "merges two lists"),
    "flatten": ("flattens a list of lists", "flattens a nested list"),
    "count_letters": ("counts the letters in a word", "counts how often each letter appears"),
    "keys": ("returns the keys of a dictionary", "lists the keys of a dictionary"),
    "values": ("returns the values of a dictionary", "lists the values of a dictionary"),
    "invert": ("inverts a dictionary", "swaps keys and values of a dictionary"),
    "get_value": ("looks up a key in a dictionary", "gets a value from a dictionary"),
    "merge_dicts": ("merges two dictionaries", "combines two dictionaries"),
    "fizzbuzz": ("returns fizz buzz for a number", "plays fizz buzz", "computes fizz buzz"),
    "countdown": ("counts down from n to one", "returns a countdown from n"),
    "range_list": ("returns the numbers from one to n", "lists the numbers from one to n"),
}


@dataclass(frozen=True)
class SpokenPrompt:
    """A request in words, what it asks for, and its constant (None where it has none)."""

    intent: str
    number: int | None
    text: str


def draw_prompt(random_source: random.Random) -> SpokenPrompt:
    """One request: an intent, a way to say it, a lead-in and, where the wording has one, a number."""
    intent = random_source.choice(list(PHRASES))
    phrase = random_source.choice(PHRASES[intent])
    number = random_source.choice(list(NUMBER_WORDS)) if "{n}" in phrase else None
    lead = random_source.choice(LEADS)
    wording = phrase.format(n=NUMBER_WORDS[number]) if number is not None else phrase
    return SpokenPrompt(intent, number, f"{lead} {wording}")
