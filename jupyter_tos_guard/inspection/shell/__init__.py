"""What shell commands and the programs that they start do, found by abstract evaluation. Runs nothing."""
