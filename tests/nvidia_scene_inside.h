/* What the files of nvidia_scene.h tell each other. */
#ifndef TESTS_NVIDIA_SCENE_INSIDE_H
#define TESTS_NVIDIA_SCENE_INSIDE_H

#include "tests/nvidia_scene.h"

/* The leaf, of one of the devices. */
void nvidia_scene_leaf(struct nvidia_scene *scene, size_t device);
void nvidia_scene_answers(struct nvidia_scene *scene);

#endif
