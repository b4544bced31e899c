"""What is owed to whom: agencies, services, tariffs, and bills with their control numbers."""
