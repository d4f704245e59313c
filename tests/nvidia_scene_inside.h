/* What the files of nvidia_scene.h tell each other. */
#ifndef TESTS_NVIDIA_SCENE_INSIDE_H
#define TESTS_NVIDIA_SCENE_INSIDE_H

#include "tests/nvidia_scene.h"

void nvidia_scene_answers(struct nvidia_scene *scene);

#endif
