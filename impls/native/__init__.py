"""The project's own convolutions in C++, for every width and every instruction set; README.md explains them."""
