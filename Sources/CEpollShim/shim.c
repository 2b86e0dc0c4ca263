#include "CEpollShim.h"
