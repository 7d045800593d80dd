"""What a person does in the studio, a file a journey: its routes, and questions that take a process of their own."""
