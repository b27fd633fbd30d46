"""The same chat, as small as it can be, on what else there is: nothing is kept, nothing is limited."""
