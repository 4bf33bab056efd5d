"""What a program is: its ops and types, its text, its weights, its verifier and its meaning."""
