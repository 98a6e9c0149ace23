"""Read requests of Easymail's API as values of the core, one module for each family."""
