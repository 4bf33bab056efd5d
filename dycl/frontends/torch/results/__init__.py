"""What a program returns, and what it carries from call to call."""
