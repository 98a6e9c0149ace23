"""Keep what messages are made from: templates with their versions, designs, and the settings of an account's mail."""
