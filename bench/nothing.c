/* The smallest program: what it takes to start it is what starting takes. */
int main(void)
{
	return 0;
}
