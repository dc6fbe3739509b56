/* Answers in text, cut at every byte, as each service spells them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "kiefs/catalogue.h"
#include "kiefs/chat.h"
#include "kiefs/error.h"
