// PETRIFY_OPENING: before what runs when a file is opened and an array taken out of it. The linker lays all of it side
// by side, so that a process's first open touches few pages of code: a page that is not mapped yet costs about as much
// as a system call of the open itself.
#pragma once

#define PETRIFY_OPENING [[gnu::hot]]
